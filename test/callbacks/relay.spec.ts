import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { NotSent } from '../../src/callbacks/transport/attempt-trace.js';
import type { Relay } from '../../src/callbacks/transport/http-transport.js';
import { eventually } from '../support/eventually.js';
import { client, connectionIsFree, failure, http } from './transport-fixture.js';

/** A receiver that answers when it is told to. */
async function receiver() {
  const held: ServerResponse[] = [];
  const paths: string[] = [];
  const { port, sockets } = await http((request, response) => {
    request.resume().on('end', () => {
      paths.push(request.url!);
      held.push(response);
    });
  });
  const has = (count: number) => eventually(() => paths.length === count);
  return { url: `http://127.0.0.1:${port}`, sockets, held, paths, has };
}

const yes = () => true;

/** One that is under way to such a receiver, for others to go behind. */
async function underWay(options?: Parameters<typeof client>[0]) {
  const [to, from] = [await receiver(), client(options)];
  const relay: Relay = {};
  const first = from.post(`${to.url}/1`, {}, { relay });
  await to.has(1);
  const lineUp = (path: string, take = yes) => from.post(`${to.url}${path}`, {}, { relay, take });
  return { ...to, ...from, relay, first, lineUp };
}

describe('a callback that is lined up behind another', () => {
  it('goes over its connection when that one has been taken, and its time begins then', async () => {
    const { url, sockets, held, paths, has } = await receiver();
    const { post } = client({ timeoutMs: 500 });
    const relay: Relay = {};
    let asked = 0;
    const take = (): boolean => ++asked > 0;
    const sent = [post(`${url}/1`, {}, { relay })];
    for (let n = 1; n <= 3; n++) {
      await has(n);
      sent.push(post(`${url}/${n + 1}`, {}, { relay, take }));
      // Longer, in all, than one attempt may take.
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect([paths.length, asked]).toEqual([n, n - 1]);
      held[n - 1]!.end(`answer ${n}`);
    }
    await has(4);
    held[3]!.end('answer 4');
    const responses = await Promise.all(sent);
    expect(responses.map(({ responseBody }) => responseBody)).toEqual([1, 2, 3, 4].map((n) => `answer ${n}`));
    for (const { totalMs } of responses) expect(totalMs).toBeLessThan(500);
    expect(responses.map(({ connectMs }) => connectMs === null)).toEqual([false, true, true, true]);
    expect(paths).toEqual(['/1', '/2', '/3', '/4']);
    expect(sockets).toHaveLength(1);
  });

  it.each([500, 410, 302])('is not sent when that one is answered with %i', async (code) => {
    const { url, sockets, held, paths, has, post, first, lineUp } = await underWay();
    const second = lineUp('/2');
    held[0]!.writeHead(code).end();
    await expect(second).rejects.toBeInstanceOf(NotSent);
    expect(await first).toMatchObject({ status: code });
    await connectionIsFree();
    // The connection is as good as before.
    const next = post(`${url}/3`);
    await has(2);
    held[1]!.end();
    expect(await next).toMatchObject({ status: 200 });
    expect(paths).toEqual(['/1', '/3']);
    expect(sockets).toHaveLength(1);
  });

  it('is not sent when it may not go any more, and leaves the connection to others', async () => {
    const { url, sockets, held, paths, has, post, first, lineUp } = await underWay();
    const second = lineUp('/2', () => false);
    held[0]!.end();
    await expect(second).rejects.toBeInstanceOf(NotSent);
    expect(await first).toMatchObject({ status: 200 });
    await connectionIsFree();
    const next = post(`${url}/3`);
    await has(2);
    held[1]!.end();
    await next;
    expect(paths).toEqual(['/1', '/3']);
    expect(sockets).toHaveLength(1);
  });

  it('is not sent over another connection, should the receiver close this one', async () => {
    const { url, sockets, held, paths, has, post, first, lineUp } = await underWay();
    const second = lineUp('/2');
    held[0]!.writeHead(200, { connection: 'close' }).end();
    await expect(second).rejects.toBeInstanceOf(NotSent);
    expect(await first).toMatchObject({ status: 200 });
    await connectionIsFree();
    // Nothing was dialled for it.
    expect(sockets).toHaveLength(1);
    const next = post(`${url}/3`);
    await has(2);
    held[1]!.end();
    expect(await next).toMatchObject({ status: 200 });
    expect(paths).toEqual(['/1', '/3']);
    expect(sockets).toHaveLength(2);
  });

  it('is not sent when the one before is cut off, nor is anything dialled for it', async () => {
    const { sockets, paths, first, lineUp } = await underWay();
    const second = lineUp('/2');
    sockets[0]!.destroy();
    const [before] = await Promise.all([failure(first), expect(second).rejects.toBeInstanceOf(NotSent)]);
    expect(before).toMatchObject({ kind: 'reset' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([sockets.length, paths]).toEqual([1, ['/1']]);
  });

  it('is not sent when the one before has failed by the time that it is looked up', async () => {
    let lookedUp = (): void => undefined;
    let isSlow = false;
    const lookUp = () => new Promise<void>((resolve) => (isSlow ? (lookedUp = resolve) : resolve()));
    const { held, paths, first, lineUp } = await underWay({ lookUp });
    isSlow = true;
    const second = lineUp('/2');
    held[0]!.writeHead(500).end();
    expect(await first).toMatchObject({ status: 500 });
    lookedUp();
    await expect(second).rejects.toBeInstanceOf(NotSent);
    expect(paths).toEqual(['/1']);
  });

  it('is not sent when it cannot be looked up', async () => {
    let isAway = false;
    const lookUp = () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve());
    const { held, paths, first, lineUp } = await underWay({ lookUp });
    isAway = true;
    await expect(lineUp('/2')).rejects.toBeInstanceOf(NotSent);
    held[0]!.end();
    expect(await first).toMatchObject({ status: 200 });
    expect(paths).toEqual(['/1']);
  });

  it('does not wait for longer than that one may take', async () => {
    const { paths, first, lineUp } = await underWay({ timeoutMs: 100 });
    const second = lineUp('/2');
    const [before] = await Promise.all([failure(first), expect(second).rejects.toBeInstanceOf(NotSent)]);
    expect(before).toMatchObject({ kind: 'timeout' });
    expect(paths).toEqual(['/1']);
  });

  it('is not sent when the process stops', async () => {
    const { close, first, lineUp } = await underWay();
    const second = lineUp('/2');
    const outcomes = Promise.allSettled([first, second]);
    await close();
    const [before, behind] = await outcomes;
    expect(before).toMatchObject({ status: 'rejected', reason: { kind: 'reset' } });
    expect((behind as PromiseRejectedResult).reason).toBeInstanceOf(NotSent);
  });

  it('needs one to go behind, on its way to the same destination', async () => {
    const there = await receiver();
    const { url, held, paths, post, relay, first, lineUp } = await underWay();
    const second = lineUp('/2', () => false);
    // That one is not on its way yet.
    await expect(lineUp('/3')).rejects.toBeInstanceOf(NotSent);
    await expect(post(`${there.url}/4`, {}, { relay, take: yes })).rejects.toBeInstanceOf(NotSent);
    held[0]!.end();
    await expect(second).rejects.toBeInstanceOf(NotSent);
    await first;
    await expect(lineUp('/5')).rejects.toBeInstanceOf(NotSent);
    await expect(post(`${url}/6`, {}, { relay: {}, take: yes })).rejects.toBeInstanceOf(NotSent);
    expect([paths, there.paths]).toEqual([['/1'], []]);
  });
});
