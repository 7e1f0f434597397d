export function GET(request: Request): Response {
  return new Response(`Hello ${request.headers.get("gatepass-email")}\n`);
}
