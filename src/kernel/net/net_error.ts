/** Why a network could not be set up: one line for the user. */
export class NetError extends Error {}
