"""A real Kafka and a real Elasticsearch without Docker, fetched as packages, ended with what started them."""
