import { equal, ok } from "../assert.mjs";
import { cannot } from "./clients.mjs";

export default {
  async "headers"(cell) {
    const headers = { "X-Trace": "abc", Cookie: "other=1; flavour=rye" };
    const hub = await cell.connect("/hub", { options: { headers } });
    const { trace, flavour } = await hub.invoke("Facts");
    if (trace === null && cell.id === "js1") cannot("It has no option for headers, and sends none.");
    equal([trace, flavour], ["abc", "rye"], "header and cookie");
  },

  async "cookies"(cell) {
    const hub = await cell.connect("/hub", { base: cell.relay });
    const { flavour } = await hub.invoke("Facts");
    if (flavour === null && cell.id === "js1") cannot("It gives a WebSocket or an event stream no cookies.");
    equal(flavour, "oat", "the cookie");
  },

  async "bearer token"(cell) {
    const hub = await cell.connect("/hub", { options: { accessTokenFactory: () => "abc.def" } });
    const { authorization, accessToken } = await hub.invoke("Facts");
    const arrived = { "by header": authorization === "Bearer abc.def", "by query": accessToken === "abc.def" };
    const ways = Object.keys(arrived).filter((way) => arrived[way]);
    ok(ways.length > 0, `header ${authorization}, query ${accessToken}`);
    return ways.join(" and ");
  },
};
