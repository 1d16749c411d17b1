// Does this request come from the broker? Standard Webhooks, HMAC-SHA256. Java 11 or later, no
// libraries needed.
//
//   WEBHOOK_SIGNING_SECRET=whsec_… java Verify.java ID TIMESTAMP SIGNATURE < body
//
// As a library: Verify.verify(secret, id, timestamp, signatures, body), where `body` is the bytes
// as they came, before any JSON parser. Ends with 0 or 1; with 2, and a line that says why, if the
// secret is missing or is none.
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public final class Verify {
  private static final long TOLERANCE_S = 300;

  private Verify() {}

  /** Throws IllegalArgumentException if it is none: with an empty key, everybody could sign. */
  static byte[] keyOf(String secret) {
    if (secret == null || secret.isBlank()) {
      throw new IllegalArgumentException("WEBHOOK_SIGNING_SECRET is not set: it is the broker's");
    }
    byte[] key = {};
    try {
      key = Base64.getDecoder().decode(secret.strip().replaceFirst("^whsec_", ""));
    } catch (IllegalArgumentException notBase64) {
      // As one that is too short.
    }
    if (key.length < 24) {
      throw new IllegalArgumentException(
          "WEBHOOK_SIGNING_SECRET is not whsec_ and the Base64 of 24 bytes or more");
    }
    return key;
  }

  /** The arguments in the middle are the headers webhook-id, -timestamp and -signature, or null. */
  public static boolean verify(
      String secret, String id, String timestamp, String signatures, byte[] body)
      throws GeneralSecurityException {
    byte[] key = keyOf(secret);
    if (id == null || timestamp == null || signatures == null) return false;
    // An old request may be one that somebody recorded.
    if (!timestamp.matches("[0-9]{1,15}")) return false;
    long age = Instant.now().getEpochSecond() - Long.parseLong(timestamp);
    if (Math.abs(age) > TOLERANCE_S) return false;

    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    mac.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
    byte[] expected =
        ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body)))
            .getBytes(StandardCharsets.UTF_8);
    // There are several while the secret is changed.
    for (String signature : signatures.split(" ")) {
      if (MessageDigest.isEqual(signature.getBytes(StandardCharsets.UTF_8), expected)) return true;
    }
    return false;
  }

  public static void main(String[] headers) throws Exception {
    String secret = System.getenv("WEBHOOK_SIGNING_SECRET");
    try {
      keyOf(secret);
      boolean good =
          headers.length == 3
              && verify(secret, headers[0], headers[1], headers[2], System.in.readAllBytes());
      System.out.println(good ? "signed by the broker" : "not signed by the broker");
      System.exit(good ? 0 : 1);
    } catch (IllegalArgumentException noSecret) {
      System.err.println(noSecret.getMessage());
      System.exit(2);
    }
  }
}
