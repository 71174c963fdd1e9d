// The description of the API, with forms that try it. It asks nobody but this server.
window.addEventListener('DOMContentLoaded', () => {
  SwaggerUIBundle({ url: 'openapi.json', dom_id: '#docs', deepLinking: true, docExpansion: 'list', validatorUrl: null, tryItOutEnabled: true, persistAuthorization: false })
})
