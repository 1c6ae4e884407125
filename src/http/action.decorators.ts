import { Reflector } from '@nestjs/core';

/** The entry that a route makes in the action log. */
export interface RecordedAction {
  /** Stable: `noun.verb`, in lower case. */
  name: string;
  /** Fields of the body, the query or the path that are recorded too. Never name a secret or a payload here. */
  fields: readonly string[];
}

/** Metadata: the {@link RecordedAction} of a route that changes something, or null if it is not recorded. */
export const ActionMetadata = Reflector.createDecorator<RecordedAction | null>();

/** Names the action that a route performs. Every route that changes something is recorded, also without this decorator. */
export const Action = (name: string, fields: readonly string[] = []) => ActionMetadata({ name, fields });

/**
 * Exempts a route from the action log: it creates requests, which are a record of their own, or it only receives. The test
 * of the action log has the list of exempt routes.
 */
export const Unrecorded = () => ActionMetadata(null);
