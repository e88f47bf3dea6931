import type { DiscoveryService } from '@nestjs/core';

/** Class that Nest's DiscoveryService returns for a controller or provider. */
export type DiscoveredClass = ReturnType<DiscoveryService['getControllers']>[number];

/** Prototype of a class, or of the value that a factory made: the metatype of a factory provider is the factory itself. */
export function findPrototype({ isNotMetatype, metatype, instance }: DiscoveredClass): object | undefined {
  if (!isNotMetatype) return metatype?.prototype as object | undefined;
  const value: unknown = instance;
  return typeof value === 'object' && value !== null ? (Object.getPrototypeOf(value) as object) : undefined;
}
