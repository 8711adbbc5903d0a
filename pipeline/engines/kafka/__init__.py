"""The engine of an organisation: the stages as Faust agents over Kafka."""
