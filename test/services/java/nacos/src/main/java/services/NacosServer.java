package services;

import com.alibaba.nacos.core.code.ControllerMethodsCache;
import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.servlet.ServletComponentScan;
import org.springframework.context.annotation.Bean;
import org.springframework.scheduling.annotation.EnableScheduling;

/** The naming service of Nacos without its console. */
@SpringBootApplication(scanBasePackages = {"com.alibaba.nacos", "services"})
@ServletComponentScan("com.alibaba.nacos")
@EnableScheduling
public class NacosServer {

  public static void main(String[] args) {
    SpringApplication.run(NacosServer.class, args);
  }

  /** Copies a step of the console: without it, the v1 API answers 501. */
  @Bean
  CommandLineRunner findControllers(ControllerMethodsCache methods) {
    return args -> methods.initClassMethod("com.alibaba.nacos.naming.controllers");
  }
}
