// The time, in Unix seconds as records have it.

export const now = (): number => Math.floor(Date.now() / 1000);

/** Whether a value's time is over; one without an end stays. */
export const isOver = (expiresAt: number | undefined): boolean =>
  expiresAt !== undefined && expiresAt <= now();
