/** Why a service that the registry knows has no address. */
export const NO_INSTANCE = 'no healthy instance is registered';
