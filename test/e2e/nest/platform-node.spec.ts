import { describe, expect, test } from 'vitest';
import { createAdapter, hasPlatformNode, platforms } from './platforms.js';

describe.skipIf(!hasPlatformNode)(
  hasPlatformNode
    ? '@nestjs/platform-node'
    : '@nestjs/platform-node (not installed; its stand-in runs as platform "node")',
  () => {
    test('is one of the platforms', () => {
      expect(platforms).toContain('@nestjs/platform-node');
      expect(createAdapter('@nestjs/platform-node').getType()).toBe('node');
    });
  },
);
