// The password login, as the SALESFORCE_ variables say: { url, token, instance, version }.
export async function login() {
  const e = process.env;
  const answer = await fetch(`${e.SALESFORCE_LOGIN_URL}/services/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'password', client_id: e.SALESFORCE_CLIENT_ID, client_secret: e.SALESFORCE_CLIENT_SECRET,
      username: e.SALESFORCE_USERNAME, password: e.SALESFORCE_PASSWORD + (e.SALESFORCE_SECURITY_TOKEN ?? ''),
    }),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(`login: ${JSON.stringify(body)}`);
  const version = e.SALESFORCE_API_VERSION ?? '67.0';
  return { url: `${body.instance_url}/cometd/${version}`, token: body.access_token, instance: body.instance_url, version };
}
