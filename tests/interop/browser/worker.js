// The same as the window, in a worker.

// The scripts ask for the window, which is not here: they take this.
importScripts(
  "/node_modules/@microsoft/signalr/dist/browser/signalr.js",
  "/node_modules/@microsoft/signalr-protocol-msgpack/dist/browser/signalr-protocol-msgpack.js",
  "cell.js",
);

onmessage = async ({ data }) => {
  try {
    postMessage({ result: await check(data) });
  } catch (error) {
    postMessage({ error: error.stack });
  }
};
