import { createRequire } from 'node:module';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { NodeAdapter } from '../../support/node-adapter/node-adapter.js';

/** `node` is a stand-in for `@nestjs/platform-node`, which runs too where it is installed. */
export type Platform = 'express' | 'fastify' | 'node' | '@nestjs/platform-node';

const factories: Partial<Record<Platform, () => AbstractHttpAdapter>> = {
  express: () => new ExpressAdapter(),
  fastify: () => new FastifyAdapter(),
  node: () => new NodeAdapter(),
};

const platformNode = await importPlatformNode();
if (platformNode) factories['@nestjs/platform-node'] = () => new platformNode.NodeAdapter();

/** Whether the real NodeAdapter is among the platforms. */
export const hasPlatformNode = platformNode !== undefined;

/** Every case that does not depend on an HTTP framework runs on all of these. */
export const platforms = Object.keys(factories) as Platform[];

export function createAdapter(platform: Platform): AbstractHttpAdapter {
  return factories[platform]!();
}

async function importPlatformNode(): Promise<{ NodeAdapter: new () => AbstractHttpAdapter } | undefined> {
  const name: string = '@nestjs/platform-node';
  try {
    createRequire(import.meta.url).resolve(name);
  } catch {
    return undefined;
  }
  return (await import(/* @vite-ignore */ name)) as { NodeAdapter: new () => AbstractHttpAdapter };
}
