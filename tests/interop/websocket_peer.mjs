// The other end of the WebSocket tests, over `ws`: it echoes.
//
//   node websocket_peer.mjs server SEED
//   node websocket_peer.mjs client SEED URL    again and again, until the server says that it is gone
//
// It ends when standard input does. Messages come back in fragments, with pings between them. `!report` is answered with how many
// pings were sent and how many of them answered in order, `!close CODE REASON` with a close.

import WebSocket, { WebSocketServer } from "ws";

const [mode, seed, url] = process.argv.slice(2);

let state = Number(seed) >>> 0;
const below = (n) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
};

function echo(socket) {
  const waiting = [];
  let pings = 0;
  let pongs = 0;
  socket.on("error", () => {});
  socket.on("pong", (payload) => {
    // There are others, that answer nothing.
    if (String(payload) !== waiting[0]) return;
    waiting.shift();
    pongs++;
  });
  socket.on("message", (data, binary) => {
    const text = binary ? "" : String(data);
    if (text === "!report") return socket.send(`${pings} ${pongs}`);
    const close = /^!close (\d+) (.*)$/.exec(text);
    if (close) return socket.close(Number(close[1]), close[2]);
    const cuts = Array.from({ length: below(4) }, () => below(data.length + 1)).sort((a, b) => a - b);
    [0, ...cuts].forEach((start, at) => {
      socket.send(data.subarray(start, cuts[at]), { binary, fin: at === cuts.length });
      if (below(3) === 0) {
        const payload = `ping ${pings++} `.padEnd(below(126), "*").slice(0, 125);
        waiting.push(payload);
        socket.ping(payload);
      }
    });
  });
}

function connect() {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.on("unexpected-response", (request, response) => process.exit(response.statusCode === 410 ? 0 : 1));
  socket.on("close", connect);
  echo(socket);
}

process.stdin.resume().on("end", () => process.exit(0));
if (mode === "client") {
  connect();
} else {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", echo);
  server.on("listening", () => console.log(`Listening on ws://127.0.0.1:${server.address().port}`));
}
