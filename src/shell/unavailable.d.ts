export function unavailable(): Response;
