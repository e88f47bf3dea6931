package bank;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;

/** A bank on dtmcli-springcloud. */
@SpringBootApplication
public class Bank {

  public static void main(String[] args) {
    SpringApplication.run(Bank.class, args);
  }

  @EventListener
  public void announce(ApplicationReadyEvent ready) {
    System.out.println("bank is ready on " + ready.getApplicationContext().getEnvironment().getProperty("server.port"));
  }
}
