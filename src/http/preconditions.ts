import { type ExecutionContext, createParamDecorator } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { DaybookError } from '../platform/errors.js';

/** The resource has no version that the preconditions of the request allow (RFC 9110, section 13). */
export class VersionMismatch extends DaybookError {
  readonly code = 'version-mismatch';
  /** @param version The current version; null if the resource has none. */
  constructor(version: number | null) {
    super(
      version === null
        ? 'This resource has no ETag, so no If-Match names it. Leave the header out.'
        : `The resource has version ${version}, which If-Match or If-None-Match rules out. Read it again before you change it.`,
    );
  }
}

/** Metadata: a route that evaluates `If-Match` itself, because its resource has an ETag. Other routes answer a tag with 412. */
export const Versioned = Reflector.createDecorator<true>();

/** The tags of `If-Match` and of `If-None-Match`; null without the header. */
export interface Preconditions {
  match: readonly string[] | null;
  noneMatch: readonly string[] | null;
}

const ANY = '*';

/** The ETag of a version. */
export const etagOf = (version: number): string => `"${version}"`;

/** @returns The preconditions in the headers of a request. */
export function preconditionsOf({ headers }: Pick<Request, 'headers'>): Preconditions {
  return { match: tagsOf(headers['if-match']), noneMatch: tagsOf(headers['if-none-match']) };
}

/** A version may be given without the quotes of a tag. */
const tagsOf = (header: string | undefined): string[] | null =>
  header?.split(',').map((tag) => tag.trim().replace(/^\d+$/, '"$&"')) ?? null;

/** Parameter decorator: the {@link Preconditions} of a request. Its route is {@link Versioned}. */
export const IfVersion = createParamDecorator((_: unknown, context: ExecutionContext) =>
  preconditionsOf(context.switchToHttp().getRequest<Request>()),
);

/** Whether the caller has this representation already. `If-None-Match` compares weakly (RFC 9110, section 13.1.2). */
export function isKnown({ noneMatch }: Preconditions, etag: string): boolean {
  return noneMatch?.map((tag) => tag.replace(/^W\//, '')).some((tag) => tag === ANY || tag === etag) ?? false;
}

/** Whether `If-Match` allows this representation. It compares strongly, so a weak tag never matches (section 13.1.1). */
export function isWanted({ match }: Preconditions, etag: string): boolean {
  return match?.some((tag) => tag === ANY || tag === etag) ?? true;
}

/** @throws VersionMismatch unless the preconditions allow a change of this version. */
export function checkVersion(preconditions: Preconditions | null, version: number): void {
  if (preconditions === null) return;
  const etag = etagOf(version);
  if (!isWanted(preconditions, etag) || isKnown(preconditions, etag)) throw new VersionMismatch(version);
}

/** @throws VersionMismatch if `If-Match` names a version of a resource that has none. */
export function refuseTags({ match }: Preconditions): void {
  if (match !== null && !match.includes(ANY)) throw new VersionMismatch(null);
}
