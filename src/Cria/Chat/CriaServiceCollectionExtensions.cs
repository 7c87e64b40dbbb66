using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Cria.Chat;

/// <summary>Local models in a dependency-injection container.</summary>
public static class CriaServiceCollectionExtensions
{
    /// <summary>
    /// Adds a model as the container's <see cref="IChatClient"/> and <see cref="IEmbeddingGenerator{String, Embedding}"/>, over one set of weights. It is loaded
    /// when first asked for and disposed with the container. Decorators of the chat client are added to what comes back.
    /// </summary>
    /// <param name="services">The container.</param>
    /// <param name="model">As <see cref="CriaChatClient.Load"/> takes it.</param>
    /// <param name="options">How the model runs.</param>
    /// <exception cref="CriaException">When one of the two is first asked for: the model cannot be loaded.</exception>
    public static ChatClientBuilder AddCria(this IServiceCollection services, string model, CriaChatClientOptions? options = null) =>
        services.AddKeyedCria(null, model, options);

    /// <summary>As <see cref="AddCria"/>, by a key: for several models in one container.</summary>
    /// <param name="services">The container.</param>
    /// <param name="serviceKey">The key of the services; null = none.</param>
    /// <param name="model">As <see cref="CriaChatClient.Load"/> takes it.</param>
    /// <param name="options">How the model runs.</param>
    /// <exception cref="CriaException">When one of the two is first asked for: the model cannot be loaded.</exception>
    public static ChatClientBuilder AddKeyedCria(this IServiceCollection services, object? serviceKey, string model, CriaChatClientOptions? options = null)
    {
        services.AddKeyedSingleton(serviceKey, (_, _) => CriaChatClient.Load(model, options));
        services.AddKeyedEmbeddingGenerator(serviceKey, s => new CriaEmbeddingGenerator(s.GetRequiredKeyedService<CriaChatClient>(serviceKey)));
        return services.AddKeyedChatClient(serviceKey, s => s.GetRequiredKeyedService<CriaChatClient>(serviceKey));
    }
}
