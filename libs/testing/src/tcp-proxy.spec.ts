import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

import { TcpProxy } from './tcp-proxy.js';

/** Answers each chunk with the same in capitals, and remembers what it heard. */
async function openEcho(): Promise<{ port: number; heard: string[]; heardNext: () => Promise<void> } & AsyncDisposable> {
  const heard: string[] = [];
  let notify = (): void => undefined;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      heard.push(String(chunk));
      notify();
      socket.write(String(chunk).toUpperCase());
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    heard,
    heardNext: () => new Promise((resolve) => (notify = resolve)),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) =>
        server.close(() => {
          resolve();
        }),
      );
    },
  };
}

async function dial(proxy: TcpProxy): Promise<Socket> {
  const socket = connect({ port: proxy.port, host: '127.0.0.1' });
  await once(socket, 'connect');
  return socket;
}

async function ask(socket: Socket, text: string): Promise<string> {
  const answer = once(socket, 'data') as Promise<[Buffer]>;
  socket.write(text);
  return String((await answer)[0]);
}

/** How the connection ended: an error's code, or 'closed'. */
async function ending(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? error.message);
    });
    socket.on('close', () => {
      resolve('closed');
    });
  });
}

describe('TcpProxy', () => {
  it('passes both directions on, megabytes too', async () => {
    await using echo = await openEcho();
    await using proxy = await TcpProxy.to('127.0.0.1', echo.port);
    const socket = await dial(proxy);
    expect(await ask(socket, 'a')).toBe('A');
    const size = 5_000_000;
    let received = 0;
    const all = new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        received += chunk.length;
        if (received === size) resolve();
      });
    });
    socket.write('x'.repeat(size));
    await all;
    socket.destroy();
  });

  it('cuts what is open and accepts what comes then', async () => {
    await using echo = await openEcho();
    await using proxy = await TcpProxy.to('127.0.0.1', echo.port);
    const first = await dial(proxy);
    await ask(first, 'a');
    const ended = ending(first);
    proxy.cut();
    expect(await ended).toBe('ECONNRESET');
    const second = await dial(proxy);
    expect(await ask(second, 'b')).toBe('B');
    second.destroy();
  });

  it('holds everything while paused', async () => {
    await using echo = await openEcho();
    await using proxy = await TcpProxy.to('127.0.0.1', echo.port);
    const socket = await dial(proxy);
    await ask(socket, 'a');
    proxy.pause();
    socket.write('b');
    const answered = once(socket, 'data');
    const early = await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 50, 'silence'))]);
    expect(early).toBe('silence');
    expect(echo.heard).toEqual(['a']);
    proxy.resume();
    expect(String((await answered)[0])).toBe('B');
    socket.destroy();
  });

  it('refuses new connections and leaves open ones', async () => {
    await using echo = await openEcho();
    await using proxy = await TcpProxy.to('127.0.0.1', echo.port);
    const open = await dial(proxy);
    await ask(open, 'a');
    proxy.refuse();
    const refused = connect({ port: proxy.port, host: '127.0.0.1' });
    expect(await ending(refused)).toMatch(/ECONNRESET|closed/);
    expect(await ask(open, 'b')).toBe('B');
    proxy.accept();
    const welcome = await dial(proxy);
    expect(await ask(welcome, 'c')).toBe('C');
    open.destroy();
    welcome.destroy();
  });

  it('loses the answer: the server heard, the client did not', async () => {
    await using echo = await openEcho();
    await using proxy = await TcpProxy.to('127.0.0.1', echo.port);
    proxy.onData = (direction) => (direction === 'down' ? 'cut' : 'forward');
    const socket = await dial(proxy);
    const ended = ending(socket);
    socket.write('commit');
    expect(await ended).toBe('ECONNRESET');
    expect(echo.heard).toEqual(['commit']);
  });

  it('cuts after a chunk, which arrives', async () => {
    await using echo = await openEcho();
    await using proxy = await TcpProxy.to('127.0.0.1', echo.port);
    proxy.onData = (_, chunk) => (String(chunk) === 'last' ? 'cut-after' : 'forward');
    const socket = await dial(proxy);
    await ask(socket, 'first');
    const heard = echo.heardNext();
    const ended = ending(socket);
    socket.write('last');
    await heard;
    expect(await ended).toBe('ECONNRESET');
    expect(echo.heard).toEqual(['first', 'last']);
  });

  it('swallows what it is told to drop', async () => {
    await using echo = await openEcho();
    await using proxy = await TcpProxy.to('127.0.0.1', echo.port);
    proxy.onData = (direction, chunk) => (direction === 'up' && String(chunk) === 'secret' ? 'drop' : 'forward');
    const socket = await dial(proxy);
    await ask(socket, 'a');
    await new Promise<void>((resolve) =>
      socket.write('secret', () => {
        resolve();
      }),
    );
    // Long enough apart to be a chunk of its own.
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await ask(socket, 'b')).toBe('B');
    expect(echo.heard).toEqual(['a', 'b']);
    socket.destroy();
  });
});
