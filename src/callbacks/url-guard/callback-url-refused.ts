import { DaybookError } from '../../platform/errors.js';

/** The rule that refused a callback URL. Stable. */
export type RefusalReason = 'malformed' | 'userinfo' | 'port' | 'host' | 'address';

/**
 * A callback URL breaks a rule. The message is shown to the caller, so it contains neither an address that a name resolved to nor the
 * kind of that address: a caller could map the network with it.
 */
export class CallbackUrlRefused extends DaybookError {
  readonly code = 'callback-url-refused';

  constructor(
    readonly reason: RefusalReason,
    message: string,
    override readonly path = 'callback_url',
    /** The kind of the address that the name resolved to. For operators only. */
    readonly forOperators: string | null = null,
  ) {
    super(message);
  }

  /** @returns The same refusal for a URL at another path of the input. */
  at(path: string): CallbackUrlRefused {
    return new CallbackUrlRefused(this.reason, this.message, path, this.forOperators);
  }
}
