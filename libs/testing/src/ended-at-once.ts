import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/**
 * Something that speaks PostgreSQL's protocol and says in one packet that the session is ready and that it is ended, when nobody has the session yet who
 * could hear the second.
 */
export async function serverThatEndsAtOnce(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((socket) => {
    socket.once('data', () =>
      socket.end(Buffer.concat([reply('R', '\0\0\0\0'), reply('Z', 'I'), reply('E', 'SFATAL\0C57P01\0Mended\0\0')])),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `postgres://u@127.0.0.1:${String(port)}/d`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  };
}

/** A message of PostgreSQL's protocol: its kind, its length, what it says. */
function reply(kind: string, body: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + body.length);
  return Buffer.concat([Buffer.from(kind), length, Buffer.from(body)]);
}
