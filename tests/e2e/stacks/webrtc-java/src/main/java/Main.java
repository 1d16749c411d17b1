import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.onvoid.webrtc.CreateSessionDescriptionObserver;
import dev.onvoid.webrtc.PeerConnectionFactory;
import dev.onvoid.webrtc.PeerConnectionObserver;
import dev.onvoid.webrtc.RTCAnswerOptions;
import dev.onvoid.webrtc.RTCBundlePolicy;
import dev.onvoid.webrtc.RTCConfiguration;
import dev.onvoid.webrtc.RTCDataChannel;
import dev.onvoid.webrtc.RTCDataChannelBuffer;
import dev.onvoid.webrtc.RTCDataChannelInit;
import dev.onvoid.webrtc.RTCDataChannelObserver;
import dev.onvoid.webrtc.RTCDataChannelState;
import dev.onvoid.webrtc.RTCIceCandidate;
import dev.onvoid.webrtc.RTCIceServer;
import dev.onvoid.webrtc.RTCIceTransportPolicy;
import dev.onvoid.webrtc.RTCOfferOptions;
import dev.onvoid.webrtc.RTCPeerConnection;
import dev.onvoid.webrtc.RTCPeerConnectionState;
import dev.onvoid.webrtc.RTCRtcpMuxPolicy;
import dev.onvoid.webrtc.RTCSdpType;
import dev.onvoid.webrtc.RTCSessionDescription;
import dev.onvoid.webrtc.RTCStats;
import dev.onvoid.webrtc.RTCStatsType;
import dev.onvoid.webrtc.SetSessionDescriptionObserver;
import dev.onvoid.webrtc.media.audio.HeadlessAudioDeviceModule;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** webrtc-java, behind the lines that ../README.md describes. */
public final class Main {
  private static final String VERSION = "0.14.0";
  private static final Gson GSON = new Gson();
  private static final PrintStream OUTPUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  private static PeerConnectionFactory factory;

  static JsonObject event(String name) {
    JsonObject event = new JsonObject();
    event.addProperty("event", name);
    return event;
  }

  static synchronized void say(JsonObject event) {
    OUTPUT.println(GSON.toJson(event));
  }

  /** One peer connection. Its commands are carried out by a thread of its own, one after the other. */
  private static final class Peer implements PeerConnectionObserver {
    private final String name;
    private final ExecutorService thread = Executors.newSingleThreadExecutor();
    private RTCPeerConnection connection;
    private volatile RTCDataChannel channel;

    Peer(String name) {
      this.name = name;
    }

    void tell(JsonObject line) {
      thread.execute(() -> {
        try {
          carryOut(line);
        } catch (Throwable error) {
          fault(line.get("do").getAsString() + ": " + error.getMessage());
        }
      });
    }

    private void carryOut(JsonObject line) throws Exception {
      switch (line.get("do").getAsString()) {
        case "open" -> open(line.get("role").getAsString(), line.getAsJsonObject("configuration"));
        case "description" -> describedBy(line.get("type").getAsString(), line.get("sdp").getAsString());
        case "candidate" -> connection.addIceCandidate(toCandidate(line.getAsJsonObject("candidate")));
        case "send" -> {
          byte[] data = Base64.getDecoder().decode(line.get("data").getAsString());
          channel.send(new RTCDataChannelBuffer(ByteBuffer.wrap(data), true));
        }
        case "path" -> connection.getStats(report -> sayPath(report.getStats()));
        case "close" -> connection.close();
        default -> throw new IllegalArgumentException("unknown");
      }
    }

    private void open(String role, JsonObject configuration) throws Exception {
      connection = factory.createPeerConnection(toConfiguration(configuration), this);
      if (role.equals("initiator")) {
        use(connection.createDataChannel("node-messages", new RTCDataChannelInit()));
        CompletableFuture<RTCSessionDescription> offer = new CompletableFuture<>();
        connection.createOffer(new RTCOfferOptions(), created(offer));
        describe(offer.get());
      }
    }

    private void describedBy(String type, String sdp) throws Exception {
      CompletableFuture<Void> set = new CompletableFuture<>();
      RTCSdpType sdpType = type.equals("offer") ? RTCSdpType.OFFER : RTCSdpType.ANSWER;
      connection.setRemoteDescription(new RTCSessionDescription(sdpType, sdp), done(set));
      set.get();
      if (sdpType == RTCSdpType.OFFER) {
        CompletableFuture<RTCSessionDescription> answer = new CompletableFuture<>();
        connection.createAnswer(new RTCAnswerOptions(), created(answer));
        describe(answer.get());
      }
    }

    private void describe(RTCSessionDescription description) throws Exception {
      CompletableFuture<Void> set = new CompletableFuture<>();
      connection.setLocalDescription(description, done(set));
      set.get();
      JsonObject event = event("description");
      event.addProperty("type", description.sdpType.name().toLowerCase(Locale.ROOT));
      event.addProperty("sdp", description.sdp);
      say(event);
    }

    private void use(RTCDataChannel opened) {
      channel = opened;
      boolean[] isOpen = {false};
      Runnable look = () -> {
        synchronized (isOpen) {
          if (isOpen[0] || opened.getState() != RTCDataChannelState.OPEN) return;
          isOpen[0] = true;
        }
        say(event("open"));
      };
      opened.registerObserver(new RTCDataChannelObserver() {
        @Override
        public void onBufferedAmountChange(long previous) {}

        @Override
        public void onStateChange() {
          look.run();
        }

        @Override
        public void onMessage(RTCDataChannelBuffer message) {
          byte[] data = new byte[message.data.remaining()];
          message.data.get(data);
          JsonObject event = event("message");
          event.addProperty("data", Base64.getEncoder().encodeToString(data));
          say(event);
        }
      });
      look.run();
    }

    @Override
    public void onDataChannel(RTCDataChannel opened) {
      use(opened);
    }

    @Override
    public void onIceCandidate(RTCIceCandidate found) {
      JsonObject candidate = new JsonObject();
      candidate.addProperty("sdp", found.sdp);
      if (found.sdpMid != null && !found.sdpMid.isEmpty()) candidate.addProperty("sdpMid", found.sdpMid);
      candidate.addProperty("sdpMLineIndex", found.sdpMLineIndex);
      JsonObject event = event("candidate");
      event.add("candidate", candidate);
      say(event);
    }

    @Override
    public void onConnectionChange(RTCPeerConnectionState state) {
      if (state == RTCPeerConnectionState.FAILED) fault("the connection failed");
    }

    private void sayPath(Map<String, RTCStats> stats) {
      JsonObject event = event("path");
      for (RTCStats transport : stats.values()) {
        if (transport.getType() != RTCStatsType.TRANSPORT) continue;
        RTCStats pair = stats.get(String.valueOf(transport.getAttributes().get("selectedCandidatePairId")));
        if (pair == null) continue;
        for (String end : List.of("local", "remote")) {
          RTCStats candidate = stats.get(String.valueOf(pair.getAttributes().get(end + "CandidateId")));
          if (candidate != null) event.addProperty(end, candidate.getAttributes().get("candidateType").toString());
        }
      }
      say(event);
    }

    private void fault(String words) {
      JsonObject event = event("fault");
      event.addProperty("words", words);
      say(event);
    }

    private void say(JsonObject event) {
      event.addProperty("peer", name);
      Main.say(event);
    }
  }

  private static RTCIceCandidate toCandidate(JsonObject said) {
    JsonElement mid = said.get("sdpMid");
    JsonElement index = said.get("sdpMLineIndex");
    return new RTCIceCandidate(
        mid == null ? null : mid.getAsString(), index == null ? 0 : index.getAsInt(), said.get("sdp").getAsString());
  }

  /** It has no iceCandidatePoolSize. */
  private static RTCConfiguration toConfiguration(JsonObject given) {
    RTCConfiguration configuration = new RTCConfiguration();
    JsonArray servers = given.getAsJsonArray("iceServers");
    for (JsonElement element : servers) {
      JsonObject entry = element.getAsJsonObject();
      RTCIceServer server = new RTCIceServer();
      server.urls = new ArrayList<>();
      for (JsonElement url : entry.getAsJsonArray("urls")) server.urls.add(url.getAsString());
      if (entry.has("username")) {
        server.username = entry.get("username").getAsString();
        server.password = entry.get("password").getAsString();
      }
      configuration.iceServers.add(server);
    }
    configuration.iceTransportPolicy = RTCIceTransportPolicy.valueOf(nameOf(given, "iceTransportPolicy"));
    configuration.bundlePolicy = RTCBundlePolicy.valueOf(nameOf(given, "bundlePolicy"));
    configuration.rtcpMuxPolicy = RTCRtcpMuxPolicy.valueOf(nameOf(given, "rtcpMuxPolicy"));
    return configuration;
  }

  private static String nameOf(JsonObject given, String member) {
    return given.get(member).getAsString().toUpperCase(Locale.ROOT).replace('-', '_');
  }

  private static CreateSessionDescriptionObserver created(CompletableFuture<RTCSessionDescription> future) {
    return new CreateSessionDescriptionObserver() {
      @Override
      public void onSuccess(RTCSessionDescription description) {
        future.complete(description);
      }

      @Override
      public void onFailure(String words) {
        future.completeExceptionally(new IllegalStateException(words));
      }
    };
  }

  private static SetSessionDescriptionObserver done(CompletableFuture<Void> future) {
    return new SetSessionDescriptionObserver() {
      @Override
      public void onSuccess() {
        future.complete(null);
      }

      @Override
      public void onFailure(String words) {
        future.completeExceptionally(new IllegalStateException(words));
      }
    };
  }

  public static void main(String[] arguments) throws Exception {
    // Else it looks for a sound server, which a machine for tests has not.
    factory = new PeerConnectionFactory(new HeadlessAudioDeviceModule());
    JsonObject ready = event("ready");
    ready.addProperty("name", "webrtc-java " + VERSION);
    say(ready);
    Map<String, Peer> peers = new HashMap<>();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String text = lines.readLine(); text != null; text = lines.readLine()) {
      JsonObject line = GSON.fromJson(text, JsonObject.class);
      peers.computeIfAbsent(line.get("peer").getAsString(), Peer::new).tell(line);
    }
    // Its native threads need no farewell.
    Runtime.getRuntime().halt(0);
  }
}
