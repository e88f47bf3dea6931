package bank;

/** An amount, and the user whose balance changes. */
public class Transfer {

  public int userId;
  public int amount;
}
