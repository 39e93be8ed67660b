// What the server lets the page work with. Keys and tokens are of one run of it, so they are asked for again and again.

/**
 * @typedef {object} Session
 * @property {string} version
 * @property {string} user Whom the token is for.
 * @property {string | null} token
 * @property {Readonly<Record<string, string>>} transports Paths of the transports that are on.
 * @property {{ publish: string, key: string } | null} api Null where the server API is not on this port.
 */

/**
 * Asks for the session; rejects while the server is away.
 *
 * @param {AbortSignal} [signal]
 * @returns {Promise<Session>}
 */
export async function loadSession(signal) {
  const response = await fetch("/dev/session", signal === undefined ? {} : { signal });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}
