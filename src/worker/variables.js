// Variables, as the platform has them.

/** A variable that may be given as JSON in a string. */
export const parsed = (value) => (typeof value === "string" ? JSON.parse(value) : value);
