/** Who is signed in: `{id, name}`, as the gate's headers say. */
export function viewerOf({ headers }) {
  const id = decoded(headers.get("Gatepass-User"));
  if (!id) return { id: "guest", name: "Nobody (this did not come through the gate)" };
  return { id, name: decoded(headers.get("Gatepass-Email")) || id };
}

/** The gate percent-encodes what is not visible ASCII. */
function decoded(value) {
  try {
    return decodeURIComponent(value ?? "");
  } catch {
    return value;
  }
}
