// Copyright (c) 2026, the fullchain.tls contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** The Java client. Arguments: a file of lines `port TAB server name TAB trust file TAB PKCS#12 file to present, or nothing`. One line of output a case: empty, or the error. */
public class Client {
    public static void main(String[] arguments) throws Exception {
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            String[] fields = line.split("\t", -1);
            System.out.println(connect(Integer.parseInt(fields[0]), fields[1], Path.of(fields[2]), fields[3]).replace("\n", " "));
        }
    }

    static KeyManager[] keys(Path file) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(new ByteArrayInputStream(Files.readAllBytes(file)), "changeit".toCharArray());
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, "changeit".toCharArray());
        return factory.getKeyManagers();
    }

    static String connect(int port, String name, Path trust, String own) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        int number = 0;
        for (Certificate anchor : CertificateFactory.getInstance("X.509")
                .generateCertificates(new ByteArrayInputStream(Files.readAllBytes(trust)))) {
            store.setCertificateEntry("anchor" + number++, anchor);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(own.isEmpty() ? null : keys(Path.of(own)), factory.getTrustManagers(), null);
        try (java.net.Socket plain = new java.net.Socket("127.0.0.1", port);
                SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(plain, name, port, true)) {
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            socket.setSSLParameters(parameters);
            socket.startHandshake();
            return "";
        } catch (Exception error) {
            Throwable cause = error;
            StringBuilder text = new StringBuilder(cause.toString());
            while (cause.getCause() != null && cause.getCause() != cause) {
                cause = cause.getCause();
                text.append(" / ").append(cause);
            }
            return text.toString();
        }
    }
}
