/** Version of the package. A constant, because the file of package.json is at different places for the two builds, and in a bundle. */
export const PACKAGE_VERSION = '0.1.0';
