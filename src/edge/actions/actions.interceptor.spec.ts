import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { lastValueFrom, of, throwError } from 'rxjs';
import { Action, Unrecorded } from '../../http/action.decorators.js';
import { setCaller } from '../../http/caller.js';
import { AccountBusy } from '../../platform/database/account-busy.js';
import { DatabaseUnavailable } from '../../platform/database/outages.js';
import type { NewAction } from '../../requests/actions/action.repository.js';
import { ActionLog } from '../../requests/actions/action-log.js';
import { DiskLow, RequestNotFound } from '../../requests/requests.errors.js';
import { ActionsInterceptor } from './actions.interceptor.js';

class Controller {
  @Action('thing.change', ['name', 'url', 'list', 'missing'])
  named(): void {
    this.forgotten();
  }

  @Unrecorded()
  exempt(): void {
    this.forgotten();
  }

  /** Neither is declared. */
  forgotten(): void {
    this.calls += 1;
  }

  private calls = 0;
}

const recorded: NewAction[] = [];
const interceptor = new ActionsInterceptor(
  new ActionLog({ add: (action) => Promise.resolve(void recorded.push(action)) }),
  new Reflector(),
);
beforeEach(() => {
  recorded.length = 0;
});

const ACCOUNT = '0195a0c1-7e2b-7cc0-9f7e-3d0f2a9b1c55';
const ACTOR = { kind: 'key', id: ACCOUNT, name: 'ci\u001b[2J' } as const;

/** Runs a handler with a request and returns its result. */
async function call(
  handler: keyof Controller,
  request: object = {},
  response: CallHandler = { handle: () => of({ ok: true }) },
): Promise<unknown> {
  const given = {
    method: 'POST',
    path: '/api/things/7',
    route: { path: '/api/things/:id' },
    ip: '192.0.2.1',
    ...request,
  };
  const full = { params: {}, query: {}, body: undefined, ...given };
  setCaller(full as never, { id: 'key', account: ACCOUNT, isOperator: false, user: null, actor: ACTOR });
  const http = { getRequest: () => full, getResponse: () => ({ statusCode: 200, getHeader: () => 'req-1' }) };
  const context = { getHandler: () => Controller.prototype[handler], switchToHttp: () => http };
  return lastValueFrom(interceptor.intercept(context as unknown as ExecutionContext, response));
}

const failing = (error: Error): CallHandler => ({ handle: () => throwError(() => error) });

it('records a named route with its caller, and passes the result on', async () => {
  expect(await call('named', { params: { id: '7' } })).toEqual({ ok: true });
  expect(recorded).toEqual([
    {
      id: expect.any(String),
      accountId: ACCOUNT,
      actorKind: 'key',
      actorId: ACCOUNT,
      actorName: 'ci\ufffd[2J',
      action: 'thing.change',
      target: '7',
      detail: null,
      outcome: 'succeeded',
      status: 200,
      requestId: 'req-1',
      address: '192.0.2.1',
    },
  ]);
});

it('records a route that declares nothing, under its method and path', async () => {
  await call('forgotten', { method: 'PATCH' });
  expect(recorded).toMatchObject([{ action: 'PATCH /api/things/:id' }]);
});

it.each(['GET', 'HEAD', 'OPTIONS'])('does not record %s', async (method) => {
  await call('named', { method });
  expect(recorded).toEqual([]);
});

it('does not record an exempt route', async () => {
  await call('exempt');
  expect(recorded).toEqual([]);
});

it('records a failure that may have changed something, and no refusal', async () => {
  await expect(call('named', {}, failing(new RequestNotFound()))).rejects.toThrow(RequestNotFound);
  expect(recorded).toEqual([]);
  await expect(call('named', {}, failing(new Error('disk')))).rejects.toThrow('disk');
  expect(recorded).toMatchObject([{ outcome: 'failed', status: 500 }]);
});

it.each([new AccountBusy(), new DiskLow()])(
  'does not record a 503 of a limit, which had no effect: %s',
  async (error) => {
    await expect(call('named', {}, failing(error))).rejects.toThrow(error);
    expect(recorded).toEqual([]);
  },
);

it('records a 503 whose effect is unknown', async () => {
  const error = new DatabaseUnavailable(new Error('gone'), 'unreachable');
  await expect(call('named', {}, failing(error))).rejects.toThrow(error);
  expect(recorded).toMatchObject([{ outcome: 'failed', status: 503 }]);
});

describe('the detail', () => {
  const detailOf = async (body: object, result: object = {}): Promise<unknown> => {
    await call('named', { body }, { handle: () => of(result) });
    return recorded.at(-1)!.detail;
  };

  it('has the declared fields only, and no token of a URL', async () => {
    const body = {
      name: 'x',
      secret: 's',
      url: 'https://u:p@example.com:8443/hook?token=t',
      list: [1, { deep: 's' }, 'b'],
    };
    expect(await detailOf(body)).toEqual({ name: 'x', url: 'https://example.com:8443', list: [1, undefined, 'b'] });
    expect(await detailOf({ url: 'https://[token' })).toEqual({ url: '(not a URL)' });
    const list = { a: 'https://x.example/?token=hush', b: 1, c: { deep: 's' }, d: ['s'] };
    expect(await detailOf({ list })).toEqual({ list: { a: 'https://x.example', b: 1, c: undefined, d: undefined } });
  });

  it('is bounded', async () => {
    const name = 'n'.repeat(100_000);
    const detail = await detailOf({ name, list: Array.from({ length: 1_000 }, () => name) });
    expect(JSON.stringify(detail).length).toBeLessThan(3_000);
  });

  it('has the id of what was created, and the count of what was changed', async () => {
    await call('named', { params: { id: '7' } }, { handle: () => of({ id: '8', count: 3 }) });
    expect(recorded).toMatchObject([{ target: '7', detail: { new_id: '8', count: 3 } }]);
    await call('named', {}, { handle: () => of({ id: '9' }) });
    expect(recorded[1]).toMatchObject({ target: '9', detail: null });
  });

  it('has no control characters and no lone surrogates', async () => {
    expect(await detailOf({ name: 'a\u0000b\u001b[2J\ud800' })).toEqual({ name: 'a\ufffdb\ufffd[2J\ufffd' });
  });
});
