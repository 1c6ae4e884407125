import type * as Swagger from '@nestjs/swagger';

type Decorator = (...args: unknown[]) => (...target: unknown[]) => void;

const untold: ((swagger: Record<string, Decorator>) => void)[] = [];

/**
 * A decorator of `@nestjs/swagger`, put off: to load the package takes a fifth of the start and 6 MB, and most processes are
 * never asked for their description. What it says of a controller is kept, and told when the first one asks.
 */
function later<Name extends keyof typeof Swagger>(name: Name): (typeof Swagger)[Name] {
  const decorator: Decorator =
    (...args) =>
    (...target) =>
      void untold.push((swagger) => swagger[name]!(...args)(...target));
  return decorator as unknown as (typeof Swagger)[Name];
}

export const ApiBadRequestResponse = later('ApiBadRequestResponse');
export const ApiBody = later('ApiBody');
export const ApiConflictResponse = later('ApiConflictResponse');
export const ApiCreatedResponse = later('ApiCreatedResponse');
export const ApiExtension = later('ApiExtension');
export const ApiHeader = later('ApiHeader');
export const ApiInternalServerErrorResponse = later('ApiInternalServerErrorResponse');
export const ApiNotFoundResponse = later('ApiNotFoundResponse');
export const ApiOkResponse = later('ApiOkResponse');
export const ApiOperation = later('ApiOperation');
export const ApiParam = later('ApiParam');
export const ApiProduces = later('ApiProduces');
export const ApiResponse = later('ApiResponse');
export const ApiSecurity = later('ApiSecurity');
export const ApiTags = later('ApiTags');
export const ApiUnprocessableEntityResponse = later('ApiUnprocessableEntityResponse');

/** Loads `@nestjs/swagger` and tells it what the controllers that were loaded so far say of themselves. */
export async function loadSwagger(): Promise<typeof Swagger> {
  const swagger = await import('@nestjs/swagger');
  for (const tell of untold.splice(0)) tell(swagger as unknown as Record<string, Decorator>);
  return swagger;
}
