using System.Text.Json.Serialization;

namespace Cria.Server.Wire;

/// <summary>Everything that goes over the wire, in snake case, without what is null.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ChatRequest))]
[JsonSerializable(typeof(ChatReply))]
[JsonSerializable(typeof(CompletionRequest))]
[JsonSerializable(typeof(CompletionReply))]
[JsonSerializable(typeof(EmbeddingRequest))]
[JsonSerializable(typeof(EmbeddingReply))]
[JsonSerializable(typeof(float[]))]
[JsonSerializable(typeof(ResponseRequest))]
[JsonSerializable(typeof(ResponseReply))]
[JsonSerializable(typeof(ResponseEvent))]
[JsonSerializable(typeof(ResponseDeleted))]
[JsonSerializable(typeof(MessageRequest))]
[JsonSerializable(typeof(MessageReply))]
[JsonSerializable(typeof(MessageEvent))]
[JsonSerializable(typeof(TokenCount))]
[JsonSerializable(typeof(TokenizeRequest))]
[JsonSerializable(typeof(TokenList))]
[JsonSerializable(typeof(DetokenizeRequest))]
[JsonSerializable(typeof(TokenText))]
[JsonSerializable(typeof(TemplateRequest))]
[JsonSerializable(typeof(TemplateReply))]
[JsonSerializable(typeof(ModelOrder))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(WireModel))]
[JsonSerializable(typeof(Health))]
[JsonSerializable(typeof(WireError))]
sealed partial class WireJson : JsonSerializerContext;
