package services;

import com.alibaba.nacos.plugin.auth.exception.AccessException;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.bind.annotation.ExceptionHandler;

/** Copies the console's error handling: without it, the answer to a wrong password has status 0. */
@ControllerAdvice
@Order(Ordered.HIGHEST_PRECEDENCE)
public class AccessDenied {

  @ExceptionHandler(AccessException.class)
  ResponseEntity<String> answer(AccessException exception) {
    return ResponseEntity.status(HttpStatus.FORBIDDEN).body(exception.getErrMsg());
  }
}
