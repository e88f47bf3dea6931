package bank;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import pub.dtm.client.DtmClient;
import pub.dtm.client.model.feign.ServiceMessage;
import pub.dtm.client.saga.Saga;
import pub.dtm.client.tcc.Tcc;

/** Runs transactions with dtmcli. */
@RestController
public class BeginController {

  public static class Order {
    public String mode;
    public String gid;
    public List<Step> steps;
    public Map<String, Object> options = Collections.emptyMap();
  }

  public static class Step {
    public String action;
    public String confirm;
    public String compensate;
    public Transfer payload;
  }

  @Autowired private DtmClient dtm;

  /** The answer has the error text of the call of the client, null for success. */
  @PostMapping("/begin")
  public Map<String, Object> begin(@RequestBody Order order) {
    String error = null;
    try {
      if ("tcc".equals(order.mode)) dtm.tccGlobalTransaction(order.gid, tcc -> callBranches(tcc, order));
      else runSaga(order);
    } catch (Exception exception) {
      error = exception.toString();
    }
    return Collections.singletonMap("errors", Collections.singletonList(error));
  }

  private void callBranches(Tcc tcc, Order order) throws Exception {
    for (Step step : order.steps) {
      if (isUrl(step.action)) tcc.callBranch(step.payload, step.action, step.confirm, step.compensate);
      else tcc.callBranch(step.payload, named(step.action), named(step.confirm), named(step.compensate));
    }
  }

  private void runSaga(Order order) throws Exception {
    Saga saga = dtm.newSaga(order.gid);
    for (Step step : order.steps) {
      if (isUrl(step.action)) saga.add(step.action, step.compensate, step.payload);
      else saga.add(named(step.action), named(step.compensate), step.payload);
    }
    if (Boolean.TRUE.equals(order.options.get("wait_result"))) saga.enableWaitResult();
    saga.submit();
  }

  private static boolean isUrl(String address) {
    return address.contains("://");
  }

  /** The name of a service, and a path. */
  private static ServiceMessage named(String address) {
    int slash = address.indexOf('/');
    return new ServiceMessage(address.substring(0, slash), address.substring(slash));
  }
}
