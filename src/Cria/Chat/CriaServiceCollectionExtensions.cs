using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Cria.Chat;

/// <summary>Local models in a dependency-injection container.</summary>
public static class CriaServiceCollectionExtensions
{
    /// <summary>Adds a model as the container's <see cref="IChatClient"/>; it is loaded when first asked for and disposed with the container. Decorators are added to what comes back.</summary>
    /// <param name="services">The container.</param>
    /// <param name="model">As <see cref="CriaChatClient.Load"/> takes it.</param>
    /// <param name="options">How the model runs.</param>
    /// <exception cref="CriaException">When the client is first asked for: the model cannot be loaded.</exception>
    public static ChatClientBuilder AddCria(this IServiceCollection services, string model, CriaChatClientOptions? options = null) =>
        services.AddChatClient(_ => CriaChatClient.Load(model, options));
}
