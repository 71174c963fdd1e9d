// An OpenID provider on 127.0.0.1 with one client, whose people are whoever the sign-in form names.
// Arguments: client id, client secret, redirect URI. Prints its port. Groups of a person are what is behind a "+":
// "kim+support,admins" is kim in two groups.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [, , modules, clientId, clientSecret, redirectUri] = process.argv;
const found = createRequire(pathToFileURL(`${modules}/`)).resolve("oidc-provider");
const { Provider } = await import(pathToFileURL(found));

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        post_logout_redirect_uris: [new URL("/sign-in", redirectUri).href],
        backchannel_logout_uri: new URL("/sign-in/oidc/ended", redirectUri).href,
        backchannel_logout_session_required: true,
      },
    ],
    claims: { openid: ["sub"], profile: ["preferred_username", "groups"], email: ["email", "email_verified"] },
    findAccount: (_, id) => {
      const [name, groups] = id.split("+");
      return {
        accountId: id,
        claims: () => ({ sub: id, preferred_username: name, groups: groups ? groups.split(",") : [] }),
      };
    },
    fetch: (url, { dispatcher, ...options }) => fetch(url, options), // its own refuses what is on the loopback
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true }, backchannelLogout: { enabled: true } },
  });
  provider.on("backchannel.error", (_, error) => console.error(error));
  server.on("request", provider.callback());
  console.log(server.address().port);
});
