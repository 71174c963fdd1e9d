// Verifies webhooks with the library of Standard Webhooks: reads a list of {secret, body, headers}, answers one of
// what each is: the parsed body, or the name of the error.
const { Webhook } = require("standardwebhooks");

let told = "";
process.stdin.on("data", (part) => (told += part));
process.stdin.on("end", () => {
  const found = JSON.parse(told).map(({ secret, body, headers }) => {
    try {
      return new Webhook(secret).verify(body, headers);
    } catch (error) {
      return error.constructor.name;
    }
  });
  process.stdout.write(JSON.stringify(found));
});
