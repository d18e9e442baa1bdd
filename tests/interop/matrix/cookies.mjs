// A way to a server that sets a cookie with each answer to negotiate, as load balancers do:
//
//   node cookies.mjs URL
//
// It prints `Listening on URL` and ends with its standard input.

import { createServer, request } from "node:http";
import { connect } from "node:net";

const { hostname, port } = new URL(process.argv[2]);

const server = createServer((from, to) => {
  const { method, url, headers } = from;
  const ahead = request({ hostname, port, method, path: url, headers }, (answer) => {
    const cookie = /\/negotiate(\?|$)/.test(url) ? { "Set-Cookie": "flavour=oat; Path=/" } : {};
    to.writeHead(answer.statusCode, { ...answer.headers, ...cookie });
    to.flushHeaders();
    answer.pipe(to);
    answer.on("error", () => to.destroy());
  });
  ahead.on("error", () => to.destroy());
  to.on("close", () => ahead.destroy());
  from.pipe(ahead);
});

server.on("upgrade", (from, near, first) => {
  const far = connect({ host: hostname, port }, () => {
    const lines = from.rawHeaders.reduce((text, part, n) => text + part + (n % 2 ? "\r\n" : ": "), "");
    far.write(`GET ${from.url} HTTP/1.1\r\n${lines}\r\n`);
    far.write(first);
    far.pipe(near).pipe(far);
  });
  for (const [one, other] of [[near, far], [far, near]]) {
    one.on("error", () => {});
    one.on("close", () => other.destroy());
  }
});

// A name, because some clients take no cookies from an address.
server.listen(0, "localhost", () => console.log(`Listening on http://localhost:${server.address().port}`));
process.stdin.on("end", () => process.exit()).resume();
