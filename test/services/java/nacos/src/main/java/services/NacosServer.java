package services;

import com.alibaba.nacos.core.code.ControllerMethodsCache;
import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.servlet.ServletComponentScan;
import org.springframework.context.annotation.Bean;
import org.springframework.scheduling.annotation.EnableScheduling;

/** Nacos' naming service without its console. */
@SpringBootApplication(scanBasePackages = {"com.alibaba.nacos", "services"})
@ServletComponentScan("com.alibaba.nacos")
@EnableScheduling
public class NacosServer {

  public static void main(String[] args) {
    SpringApplication.run(NacosServer.class, args);
  }

  /** The console does this otherwise; until it is done the v1 API answers 501. */
  @Bean
  CommandLineRunner findControllers(ControllerMethodsCache methods) {
    return args -> methods.initClassMethod("com.alibaba.nacos.naming.controllers");
  }
}
