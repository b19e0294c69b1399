/** The `Authorization` header of a user and a password: [RFC 7617](https://www.rfc-editor.org/rfc/rfc7617). */
export function basic(username: string, password: string): string {
  const bytes = new TextEncoder().encode(`${username}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}
