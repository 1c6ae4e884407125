import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import type { Request } from 'express';
import { DaybookError } from '../platform/errors.js';

/** The resource has another version than `If-Match` names (RFC 9110, section 13.1.1). */
export class VersionMismatch extends DaybookError {
  readonly code = 'version-mismatch';
  /** @param version The current version. */
  constructor(version: number) {
    super(`The resource has version ${version}, not the one in If-Match. Read it again before you change it.`);
  }
}

/** The ETag of a version. */
export const etagOf = (version: number): string => `"${version}"`;

/**
 * Parameter decorator: the tags of `If-Match`, or null when any version may change (no header, or `*`). A version without the
 * quotes of a tag counts as one. A weak tag never matches.
 */
export const IfMatch = createParamDecorator((_: unknown, context: ExecutionContext): string[] | null => {
  const given = context.switchToHttp().getRequest<Request>().headers['if-match'];
  if (given === undefined || given.trim() === '*') return null;
  return given.split(',').map((tag) => tag.trim().replace(/^\d+$/, '"$&"'));
});

/** @throws VersionMismatch unless the tags name the version. */
export function checkVersion(tags: readonly string[] | null, version: number): void {
  if (tags !== null && !tags.includes(etagOf(version))) throw new VersionMismatch(version);
}
