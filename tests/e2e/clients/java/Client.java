import io.socket.client.Ack;
import io.socket.client.IO;
import io.socket.client.Socket;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.StringJoiner;
import org.json.JSONException;
import org.json.JSONObject;

/**
 * io.socket:socket.io-client as applications use it, driven by clients.mjs. A line of JSON in is an order, a line out is what the
 * client reported. The end of the input is the end of the program.
 */
public class Client {
  private static final Map<String, Socket> nodes = new HashMap<>();
  private static final PrintStream output = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  private static void report(String node, String what, Object... values) {
    String text = values.length == 0 ? "" : textOf(values[0]);
    output.println(new JSONObject(Map.of("node", node, "is", what, "text", text)));
  }

  /** A refusal comes as an object, other trouble as an exception. */
  private static String textOf(Object value) {
    if (value instanceof JSONObject) return ((JSONObject) value).optString("message");
    return String.valueOf(value);
  }

  /** The client decodes the query and encodes it anew, but never what is %XX twice over. */
  private static String encode(Object value) {
    return URLEncoder.encode(String.valueOf(value), StandardCharsets.UTF_8).replace("+", "%20");
  }

  private static void connect(String node, JSONObject order) throws JSONException {
    JSONObject parameters = order.getJSONObject("query");
    StringJoiner query = new StringJoiner("&");
    for (String name : JSONObject.getNames(parameters)) query.add(name + "=" + encode(parameters.get(name)));
    IO.Options options =
        IO.Options.builder().setTransports(new String[] {"websocket"}).setForceNew(true).setQuery(query.toString()).build();
    Socket socket = IO.socket(URI.create(order.getString("url")), options);
    Map<String, String> reported =
        Map.of(
            Socket.EVENT_CONNECT, "connected",
            Socket.EVENT_CONNECT_ERROR, "failed",
            Socket.EVENT_DISCONNECT, "disconnected",
            "AUTHENTICATED", "authenticated",
            "SOCKET_MSG_EXCHANGE", "received");
    reported.forEach((event, what) -> socket.on(event, values -> report(node, what, values)));
    nodes.put(node, socket);
    socket.connect();
  }

  private static void send(String node, JSONObject order) throws JSONException {
    Ack ack = values -> report(node, "ack", values);
    nodes.get(node).emit(order.getString("type"), order.getString("text"), ack);
  }

  public static void main(String[] arguments) throws Exception {
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      JSONObject order = new JSONObject(line);
      if (order.getString("do").equals("connect")) connect(order.getString("node"), order);
      else send(order.getString("node"), order);
    }
    System.exit(0);
  }
}
