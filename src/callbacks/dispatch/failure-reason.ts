import type { DeliveryStatus } from '../deliveries/callback-delivery.entity.js';
import type { CallbackOutcome } from '../transport/send-callback.js';

/** An attempt that has ended, and what follows from it. */
export interface JudgedAttempt {
  outcome: Pick<CallbackOutcome, 'errorKind' | 'errorMessage'> & { trace: Pick<CallbackOutcome['trace'], 'status'> };
  /** The state of the delivery from then on. */
  status: DeliveryStatus;
  /** A retry could have followed. */
  isTransient: boolean;
  /** Attempts of the current run of the retry schedule, this one included. */
  attempts: number;
  /** Attempts of a whole schedule. */
  allAttempts: number;
}

/** @returns Why a delivery is not delivered after an attempt, for its owner; null when it is. */
export function failureReason({ outcome, status, isTransient, attempts, allAttempts }: JudgedAttempt): string | null {
  const { errorKind, errorMessage, trace } = outcome;
  if (status === 'SUCCESS') return null;
  if (status === 'PENDING') return `Attempt ${attempts} of ${allAttempts} failed: ${errorMessage}`;
  if (isTransient) return `All ${attempts} attempts failed, the last one with: ${errorMessage}`;
  if (errorKind === 'status' && trace.status === 410) {
    return `${errorMessage} (Gone), which is final. The URL is disabled until you enable it`;
  }
  const isRedirect = errorKind === 'status' && trace.status! >= 300 && trace.status! < 400;
  return `${errorMessage}, which is final${isRedirect ? ': redirects are not followed' : ': it is not retried'}`;
}
