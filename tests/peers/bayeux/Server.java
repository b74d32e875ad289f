import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.cometd.bayeux.Promise;
import org.cometd.bayeux.server.BayeuxServer;
import org.cometd.bayeux.server.ServerChannel;
import org.cometd.bayeux.server.ServerMessage;
import org.cometd.bayeux.server.ServerSession;
import org.cometd.server.BayeuxServerImpl;
import org.cometd.server.DefaultSecurityPolicy;
import org.cometd.server.ext.AcknowledgedMessagesExtension;
import org.cometd.server.http.jakarta.CometDServlet;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Context;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.websocket.server.WebSocketUpgradeHandler;

/** CometD's own server, embedded: long polling and WebSocket at /cometd, the acknowledge extension, and a second port by
 * which the tests steer it. Usage: Server PORT CONTROL_PORT both|polling|websocket. */
class Server {
    static final String SOCKET = "org.cometd.server.websocket.jetty.JettyWebSocketTransport";
    static final String POLLING = "org.cometd.server.http.JSONHttpTransport";
    static int port;
    static String transports;
    static org.eclipse.jetty.server.Server jetty;
    static BayeuxServerImpl bayeux;

    /** What is below /forbidden may not be subscribed to, and what is below /readonly not be published to. */
    static class Policy extends DefaultSecurityPolicy {
        @Override
        public boolean canSubscribe(BayeuxServer server, ServerSession session, ServerChannel channel, ServerMessage message) {
            return !channel.getId().startsWith("/forbidden/") && super.canSubscribe(server, session, channel, message);
        }

        @Override
        public boolean canPublish(BayeuxServer server, ServerSession session, ServerChannel channel, ServerMessage message) {
            return !channel.getId().startsWith("/readonly/");
        }
    }

    static void up() throws Exception {
        jetty = new org.eclipse.jetty.server.Server();
        ServerConnector connector = new ServerConnector(jetty, 1, 1);
        connector.setHost("127.0.0.1");
        connector.setPort(port);
        jetty.addConnector(connector);
        ServletContextHandler handler = new ServletContextHandler("/");
        jetty.setHandler(handler);
        handler.insertHandler(WebSocketUpgradeHandler.from(jetty, handler, c -> c.setMaxTextMessageSize(16 << 20)));
        CometDServlet servlet = new CometDServlet() {
            @Override
            protected BayeuxServer newBayeuxServer() {
                bayeux = new BayeuxServerImpl();
                bayeux.setOption(Context.class.getName(), handler.getContext());
                bayeux.addExtension(new AcknowledgedMessagesExtension());
                bayeux.setSecurityPolicy(new Policy());
                return bayeux;
            }
        };
        ServletHolder holder = new ServletHolder(servlet);
        holder.setInitOrder(1);
        holder.setAsyncSupported(true);
        Map.of("transports", transports, "ws.cometdURLMapping", "/cometd/*", "timeout", "4000", "interval", "0", "maxInterval",
            "10000", "maxMessageSize", "16777216", "ws.maxMessageSize", "16777216", "ws.idleTimeout", "15000")
            .forEach(holder::setInitParameter);
        handler.addServlet(holder, "/cometd/*");
        jetty.start();
        echo();
    }

    static ServerChannel channel(String name) {
        return bayeux.createChannelIfAbsent(name, c -> c.setPersistent(true)).getReference();
    }

    static void echo() {
        channel("/service/echo").addListener(new ServerChannel.MessageListener() {
            @Override
            public boolean onMessage(ServerSession session, ServerChannel channel, ServerMessage.Mutable message) {
                session.deliver(null, "/service/echo", message.getData(), Promise.noop());
                return true;
            }
        });
    }

    static String publish(Map<String, String> query) {
        ServerChannel channel = channel(query.get("channel"));
        int from = Integer.parseInt(query.getOrDefault("from", "1"));
        int count = Integer.parseInt(query.getOrDefault("count", "1"));
        String pad = "x".repeat(Integer.parseInt(query.getOrDefault("pad", "0")));
        for (int n = from; n < from + count; n++)
            channel.publish(null, Map.of("n", n, "pad", pad), Promise.noop());
        return "published";
    }

    static List<ServerSession> remote() {
        return bayeux.getSessions().stream().filter(s -> !s.isLocalSession()).toList();
    }

    static String control(String verb, Map<String, String> query) throws Exception {
        switch (verb) {
        case "/publish":
            return publish(query);
        case "/drop": // the next that a client says is answered 402::session_unknown
            remote().forEach(bayeux::removeSession);
            return "dropped";
        case "/disconnect":
            remote().forEach(ServerSession::disconnect);
            return "disconnected";
        case "/down":
            jetty.stop();
            return "down";
        case "/up":
            up();
            return "up";
        case "/subscribers":
            ServerChannel channel = bayeux.getChannel(query.get("channel"));
            return String.valueOf(channel == null ? 0 : channel.getSubscribers().size());
        case "/sessions":
            return String.valueOf(remote().size());
        default:
            return "no such verb";
        }
    }

    static Map<String, String> query(String text) {
        Map<String, String> query = new HashMap<>();
        for (String pair : text == null ? new String[0] : text.split("&")) {
            String[] sides = pair.split("=", 2);
            query.put(sides[0], URLDecoder.decode(sides[1], StandardCharsets.UTF_8));
        }
        return query;
    }

    static void answer(HttpExchange exchange) {
        String said;
        try {
            said = control(exchange.getRequestURI().getPath(), query(exchange.getRequestURI().getRawQuery()));
        } catch (Exception e) {
            said = e.toString();
        }
        try (exchange) {
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write((said + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (java.io.IOException e) {
            System.err.println(e);
        }
    }

    public static void main(String[] args) throws Exception {
        port = Integer.parseInt(args[0]);
        transports = switch (args[2]) {
        case "polling" -> POLLING;
        case "websocket" -> SOCKET;
        default -> SOCKET + "," + POLLING;
        };
        up();
        HttpServer control = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[1])), 0);
        control.createContext("/", Server::answer);
        control.start();
    }
}
