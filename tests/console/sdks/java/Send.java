import com.google.gson.Gson;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Sends the six calls by Segment's or RudderStack's SDK for Java: {@code java Send segment|rudder URL WRITE_KEY}. */
class Send {
  private static final Map<String, Object> ORDER = Map.of("order_id", "o1", "total", 27.5, "currency", "EUR");
  private static final Map<String, Object> TRAITS = Map.of("email", "a@example.com");
  private static final CountDownLatch answers = new CountDownLatch(6);

  public static void main(String[] arguments) throws InterruptedException {
    if (arguments[0].equals("segment")) {
      bySegment(arguments[1], arguments[2]);
    } else {
      byRudder(arguments[1], arguments[2]);
    }
  }

  private static void bySegment(String url, String key) throws InterruptedException {
    var client = com.segment.analytics.Analytics.builder(key).endpoint(url).callback(new OfSegment()).build();
    client.enqueue(com.segment.analytics.messages.IdentifyMessage.builder().userId("u1").traits(TRAITS));
    client.enqueue(com.segment.analytics.messages.TrackMessage.builder("Order Completed").userId("u1").properties(ORDER));
    client.enqueue(com.segment.analytics.messages.PageMessage.builder("Home").userId("u1"));
    client.enqueue(com.segment.analytics.messages.ScreenMessage.builder("Start").userId("u1"));
    client.enqueue(com.segment.analytics.messages.GroupMessage.builder("g1").userId("u1"));
    client.enqueue(com.segment.analytics.messages.AliasMessage.builder("a1").userId("u1"));
    client.flush();
    answers.await(60, TimeUnit.SECONDS);
    client.shutdown();
  }

  private static void byRudder(String url, String key) throws InterruptedException {
    var client =
        com.rudderstack.sdk.java.analytics.RudderAnalytics.builder(key)
            .setDataPlaneUrl(url)
            .callback(new OfRudder())
            .build();
    client.enqueue(com.rudderstack.sdk.java.analytics.messages.IdentifyMessage.builder().userId("u1").traits(TRAITS));
    client.enqueue(
        com.rudderstack.sdk.java.analytics.messages.TrackMessage.builder("Order Completed")
            .userId("u1")
            .properties(ORDER));
    client.enqueue(com.rudderstack.sdk.java.analytics.messages.PageMessage.builder("Home").userId("u1"));
    client.enqueue(com.rudderstack.sdk.java.analytics.messages.ScreenMessage.builder("Start").userId("u1"));
    client.enqueue(com.rudderstack.sdk.java.analytics.messages.GroupMessage.builder("g1").userId("u1"));
    client.enqueue(com.rudderstack.sdk.java.analytics.messages.AliasMessage.builder("a1").userId("u1"));
    client.flush();
    answers.await(60, TimeUnit.SECONDS);
    client.shutdown();
  }

  private static void failed(Throwable error) {
    System.out.println(new Gson().toJson(String.valueOf(error.getMessage())));
    answers.countDown();
  }

  private static class OfSegment implements com.segment.analytics.Callback {
    @Override
    public void success(com.segment.analytics.messages.Message message) {
      answers.countDown();
    }

    @Override
    public void failure(com.segment.analytics.messages.Message message, Throwable error) {
      failed(error);
    }
  }

  private static class OfRudder implements com.rudderstack.sdk.java.analytics.Callback {
    @Override
    public void success(com.rudderstack.sdk.java.analytics.messages.Message message) {
      answers.countDown();
    }

    @Override
    public void failure(com.rudderstack.sdk.java.analytics.messages.Message message, Throwable error) {
      failed(error);
    }
  }
}
