// Sends what an app would send in its life, with Segment's own SDK for Node.js.
import { Analytics } from "@segment/analytics-node";

const [host, writeKey] = process.argv.slice(2);
const analytics = new Analytics({ host, writeKey, maxRetries: 0 });
analytics.on("error", (fault) => {
  console.error(fault);
  process.exitCode = 1;
});

const ago = (hours) => new Date(Date.now() - hours * 3_600_000);

analytics.track({ anonymousId: "browser", event: "Searched", timestamp: ago(3) });
analytics.page({ anonymousId: "browser", category: "Help", name: "Docs" });
analytics.identify({
  anonymousId: "browser",
  userId: "ada",
  traits: { name: "Ada Lovelace", email: "ada@example.org", plan: "pro", createdAt: ago(48) },
});
analytics.screen({ userId: "ada", name: "Cart" });
analytics.track({
  userId: "ada",
  event: "Charged",
  messageId: "order-1",
  properties: { total: 20.5, products: [{ sku: "a", price: 20.5 }] },
});
analytics.group({ userId: "ada", groupId: "acme", traits: { name: "Acme" } });
analytics.alias({ previousId: "ada", userId: "lovelace" });

await analytics.closeAndFlush();
