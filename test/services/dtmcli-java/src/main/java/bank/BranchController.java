package bank;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import javax.servlet.http.HttpServletRequest;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import pub.dtm.client.barrier.BranchBarrier;
import pub.dtm.client.exception.FailureException;
import pub.dtm.client.model.responses.DtmResponse;

/** Branches within the barrier of dtmcli. */
@RestController
public class BranchController {

  private interface Change {
    void apply(Connection connection, Transfer transfer) throws Exception;
  }

  @Value("jdbc:mysql://${db-host:}:${db-port:}/dtm_barrier?useSSL=false&allowPublicKeyRetrieval=true")
  private String url;

  @Value("${db-user:}")
  private String user;

  @Value("${db-password:}")
  private String password;

  @PostMapping("/TransOut")
  public DtmResponse transOut(HttpServletRequest request, @RequestBody Transfer transfer) throws Exception {
    return withinBarrier(request, transfer, this::moveOut);
  }

  @PostMapping("/TransOutRevert")
  public DtmResponse transOutRevert(HttpServletRequest request, @RequestBody Transfer transfer) throws Exception {
    return withinBarrier(request, transfer, this::moveIn);
  }

  @PostMapping("/TransIn")
  public DtmResponse transIn(HttpServletRequest request, @RequestBody Transfer transfer) throws Exception {
    return withinBarrier(request, transfer, this::moveIn);
  }

  @PostMapping("/TransInRevert")
  public DtmResponse transInRevert(HttpServletRequest request, @RequestBody Transfer transfer) throws Exception {
    return withinBarrier(request, transfer, this::moveOut);
  }

  @PostMapping("/Confirm")
  public DtmResponse confirm(HttpServletRequest request, @RequestBody Transfer transfer) throws Exception {
    return withinBarrier(request, transfer, (connection, ignored) -> {});
  }

  @ExceptionHandler(FailureException.class)
  @ResponseStatus(HttpStatus.CONFLICT)
  public DtmResponse fail() {
    return DtmResponse.buildDtmResponse("FAILURE");
  }

  private DtmResponse withinBarrier(HttpServletRequest request, Transfer transfer, Change change) throws Exception {
    BranchBarrier barrier = new BranchBarrier(request.getParameterMap());
    try (Connection connection = DriverManager.getConnection(url, user, password)) {
      barrier.call(connection, within -> {
        if (!isNullCompensation(connection, within)) change.apply(connection, transfer);
      });
    }
    return DtmResponse.buildDtmResponse("SUCCESS");
  }

  /** The barrier of dtmcli 2.1.4 finds null operations of TCC only: it would undo an action that was never done. */
  private boolean isNullCompensation(Connection connection, BranchBarrier barrier) throws SQLException {
    if (!"compensate".equals(barrier.getOp())) return false;
    String sql =
        "insert ignore into barrier (trans_type, gid, branch_id, op, barrier_id, reason) values (?, ?, ?, 'action', ?, ?)";
    return 1 == update(connection, sql, barrier.getTransTypeEnum().getValue(), barrier.getGid(), barrier.getBranchId(),
        String.format("%02d", barrier.getBarrierId()), barrier.getOp());
  }

  private void moveOut(Connection connection, Transfer t) throws Exception {
    String sql = "update dtm_busi.user_account set balance = balance - ? where user_id = ? and balance >= ?";
    if (update(connection, sql, t.amount, t.userId, t.amount) == 0) throw new FailureException("Insufficient balance");
  }

  private void moveIn(Connection connection, Transfer t) throws Exception {
    update(connection, "update dtm_busi.user_account set balance = balance + ? where user_id = ?", t.amount, t.userId);
  }

  private int update(Connection connection, String sql, Object... values) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int index = 0; index < values.length; index++) statement.setObject(index + 1, values[index]);
      return statement.executeUpdate();
    }
  }
}
