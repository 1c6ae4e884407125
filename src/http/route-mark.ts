import { type CustomDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';

/**
 * Metadata of a route, or else of its controller. Looked up once a route: reflect-metadata takes longer to tell
 * it than a guard takes for everything else.
 */
export class RouteMark<Value> {
  private readonly known = new Map<unknown, Map<unknown, Value | undefined>>();
  private readonly reflector = new Reflector();

  /** @param key Of the metadata; no other mark has it. */
  constructor(private readonly key: string) {}

  /** The decorator that sets the mark. */
  set(value: Value): CustomDecorator {
    return SetMetadata(this.key, value);
  }

  /** Undefined when neither bears the mark. */
  of(context: ExecutionContext): Value | undefined {
    const [route, controller] = [context.getHandler(), context.getClass()];
    let routes = this.known.get(controller);
    if (!routes) this.known.set(controller, (routes = new Map()));
    if (!routes.has(route)) {
      routes.set(route, this.reflector.getAllAndOverride<Value | undefined>(this.key, [route, controller]));
    }
    return routes.get(route);
  }
}
