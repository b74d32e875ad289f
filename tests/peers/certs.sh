# Sourced: a CA, a server's certificate for localhost and 127.0.0.1, a client's, and a CA that signed neither.
# shellcheck shell=sh

make_certs() { # FOLDER
    for ca in ca other; do
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=weir peers $ca" \
            -keyout "$1/$ca.key" -out "$1/$ca.pem" 2>/dev/null
    done
    leaf "$1" ca server "subjectAltName=DNS:localhost,IP:127.0.0.1"
    leaf "$1" ca client "extendedKeyUsage=clientAuth"
    leaf "$1" other stranger "extendedKeyUsage=clientAuth"
}

leaf() { # FOLDER CA NAME EXTENSION
    echo "$4" >"$1/extension"
    openssl req -newkey rsa:2048 -nodes -subj "/CN=weir peers $3" -keyout "$1/$3.key" -out "$1/$3.csr" 2>/dev/null
    openssl x509 -req -days 2 -in "$1/$3.csr" -CA "$1/$2.pem" -CAkey "$1/$2.key" -CAcreateserial \
        -extfile "$1/extension" -out "$1/$3.pem" 2>/dev/null
}
