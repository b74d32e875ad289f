import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.cometd.bayeux.Channel;
import org.cometd.bayeux.Message;
import org.cometd.bayeux.client.ClientSession;
import org.cometd.bayeux.client.ClientSessionChannel;
import org.cometd.client.BayeuxClient;
import org.cometd.client.ext.AckExtension;
import org.cometd.client.http.jetty.JettyHttpClientTransport;
import org.cometd.client.transport.ClientTransport;
import org.cometd.client.websocket.jakarta.WebSocketTransport;
import org.cometd.common.JettyJSONContextClient;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.Request;

/** CometD's own client. Prints each event as a line of JSON, notes on standard error, and ends after COUNT of them.
 * Usage: Client URL|salesforce CHANNEL FROM|- COUNT [long-polling|websocket]. "salesforce" logs in as the SALESFORCE_ variables say. */
class Client {
    /** Salesforce's positions: on the handshake, and with every subscription the newest that is known. */
    record Replay(Map<String, Object> positions) implements ClientSession.Extension {
        @Override
        public boolean sendMeta(ClientSession session, Message.Mutable message) {
            if (Channel.META_HANDSHAKE.equals(message.getChannel()))
                message.getExt(true).put("replay", true);
            if (Channel.META_SUBSCRIBE.equals(message.getChannel()))
                message.getExt(true).put("replay", positions);
            return true;
        }

        @Override
        @SuppressWarnings("unchecked")
        public boolean rcv(ClientSession session, Message.Mutable message) {
            Object event = message.getDataAsMap() == null ? null : message.getDataAsMap().get("event");
            if (event != null)
                positions.replace(message.getChannel(), ((Map<String, Object>)event).get("replayId"));
            return true;
        }
    }

    static String url, authorization;

    static String member(String json, String name) {
        int at = json.indexOf('"', json.indexOf(':', json.indexOf("\"" + name + "\"")) + 1);
        return json.substring(at + 1, json.indexOf('"', at + 1)).replace("\\/", "/");
    }

    static String form(Map<String, String> fields) {
        StringBuilder text = new StringBuilder();
        fields.forEach((k, v) -> text.append(k).append('=').append(java.net.URLEncoder.encode(v,
            java.nio.charset.StandardCharsets.UTF_8)).append('&'));
        return text.toString();
    }

    static void login() throws Exception {
        Map<String, String> e = System.getenv();
        String body = form(Map.of("grant_type", "password", "client_id", e.get("SALESFORCE_CLIENT_ID"), "client_secret",
            e.get("SALESFORCE_CLIENT_SECRET"), "username", e.get("SALESFORCE_USERNAME"), "password",
            e.get("SALESFORCE_PASSWORD") + e.getOrDefault("SALESFORCE_SECURITY_TOKEN", "")));
        HttpResponse<String> answer = java.net.http.HttpClient.newHttpClient().send(
            HttpRequest.newBuilder(URI.create(e.get("SALESFORCE_LOGIN_URL") + "/services/oauth2/token"))
                .header("Content-Type", "application/x-www-form-urlencoded").POST(HttpRequest.BodyPublishers.ofString(body)).build(),
            HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200)
            throw new Exception("login: " + answer.body());
        url = member(answer.body(), "instance_url") + "/cometd/" + e.getOrDefault("SALESFORCE_API_VERSION", "67.0");
        authorization = "Bearer " + member(answer.body(), "access_token");
    }

    static ClientTransport transport(String name) throws Exception {
        Map<String, Object> options = new HashMap<>(Map.of("maxMessageSize", 16 << 20, "maxBufferSize", 16 << 20));
        if (name.equals("websocket")) {
            return new WebSocketTransport(options, null, jakarta.websocket.ContainerProvider.getWebSocketContainer());
        }
        HttpClient http = new HttpClient();
        http.start();
        return new JettyHttpClientTransport(options, http) {
            @Override
            protected void customize(Request request) {
                if (authorization != null)
                    request.headers(h -> h.put("Authorization", authorization));
            }
        };
    }

    static final JettyJSONContextClient JSON = new JettyJSONContextClient();

    static String json(Message message) {
        return JSON.generate((Message.Mutable)message);
    }

    public static void main(String[] args) throws Exception {
        String channel = args[1];
        long count = Long.parseLong(args[3]);
        url = args[0];
        if (url.equals("salesforce"))
            login();
        BayeuxClient client = new BayeuxClient(url, transport(args.length > 4 ? args[4] : "long-polling"));
        if (args[2].equals("-")) {
            client.addExtension(new AckExtension());
        } else {
            client.addExtension(new Replay(new HashMap<>(Map.of(channel, Long.parseLong(args[2])))));
        }
        java.io.PrintStream out = new java.io.PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), false);
        AtomicLong seen = new AtomicLong();
        ClientSessionChannel.MessageListener event = (from, message) -> {
            out.println(json(message));
            out.flush();
            if (seen.incrementAndGet() == count)
                Runtime.getRuntime().halt(0);
        };
        for (String meta : List.of(Channel.META_HANDSHAKE, Channel.META_CONNECT, Channel.META_SUBSCRIBE)) {
            client.getChannel(meta).addListener((ClientSessionChannel.MessageListener)(from, message) -> {
                if (!message.isSuccessful())
                    System.err.println("failed: " + json(message));
                else if (meta.equals(Channel.META_SUBSCRIBE))
                    System.err.println("subscribed: " + json(message));
                else if (meta.equals(Channel.META_HANDSHAKE))
                    client.getChannel(channel).subscribe(event);
            });
        }
        client.handshake((ClientSession.MessageListener)null);
        Thread.currentThread().join();
    }
}
