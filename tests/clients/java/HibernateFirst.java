// A first program with Hibernate 6. DATABASE_URL says where the wallet is.
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.math.BigDecimal;
import java.net.URI;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import org.hibernate.JDBCException;
import org.hibernate.SessionFactory;
import org.hibernate.cfg.Configuration;
import org.hibernate.query.NativeQuery;
import org.postgresql.util.PSQLException;

public class HibernateFirst {
    static SessionFactory open() {
        URI url = URI.create(System.getenv("DATABASE_URL"));
        String[] user = (url.getUserInfo() + ":").split(":", -1);
        return new Configuration()
            .setProperty("hibernate.connection.url",
                "jdbc:postgresql://" + url.getHost() + ":" + url.getPort() + url.getPath())
            .setProperty("hibernate.connection.username", user[0])
            .setProperty("hibernate.connection.password", user[1])
            .buildSessionFactory();
    }

    /** In a transaction that commits: where another session was in the way, again with the same key. */
    static <T> T call(SessionFactory factory, Class<T> type, String query, Object... arguments) {
        for (int left = 4; ; left--) {
            try {
                // Not a query that may be cached, and getSingleResult: executeUpdate() would throw
                // after the money has moved.
                return factory.fromTransaction(session -> {
                    NativeQuery<T> statement = session.createNativeQuery(query, type);
                    for (int i = 0; i < arguments.length; i++) {
                        statement.setParameter(i + 1, arguments[i]);
                    }
                    return statement.getSingleResult();
                });
            } catch (JDBCException error) {
                if (!List.of("40001", "40P01").contains(error.getSQLState()) || left == 0) {
                    throw error;
                }
            }
        }
    }

    /** The SQLSTATE says what to do, the JSON in DETAIL, where there is one, says why. */
    static JsonObject detail(JDBCException error) {
        SQLException cause = error.getSQLException();
        String detail = cause instanceof PSQLException told && told.getServerErrorMessage() != null
            ? told.getServerErrorMessage().getDetail() : null;
        return detail != null && detail.startsWith("{")
            ? JsonParser.parseString(detail).getAsJsonObject() : new JsonObject();
    }

    public static void main(String[] arguments) {
        String key = UUID.randomUUID().toString();
        String pay = "SELECT wallet_transfer(?1, ?2, ?3, ?4)";
        BigDecimal amount = new BigDecimal("25.50");
        try (SessionFactory factory = open()) {
            UUID alice = call(factory, UUID.class, "SELECT wallet_create('alice')");
            UUID bob = call(factory, UUID.class, "SELECT wallet_create('bob')");
            call(factory, UUID.class, "SELECT wallet_fund(?1, ?2, ?3)",
                alice, new BigDecimal("100"), "deposit-" + key);

            UUID order = call(factory, UUID.class, pay, alice, bob, amount, "order-" + key);
            UUID again = call(factory, UUID.class, pay, alice, bob, amount, "order-" + key);
            System.out.println("paid once: " + order.equals(again));
            System.out.println("bob has "
                + call(factory, BigDecimal.class, "SELECT balance FROM wallet_get(?1)", bob));
            try {
                call(factory, UUID.class, pay, alice, bob, new BigDecimal("80"), "more-" + key);
            } catch (JDBCException error) {
                System.out.println("refused: " + error.getSQLState() + " "
                    + detail(error).get("available").getAsString());
            }
        }
    }
}
